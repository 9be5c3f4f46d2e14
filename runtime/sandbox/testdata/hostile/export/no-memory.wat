;; No memory, and no functions that would need one.
;;
;; upload: refused "the module exports no memory named \"memory\""
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (func (export "Subscription.f") (result i32) (i32.const 0)))
