;; A memory under another name.
;;
;; upload: refused "the module exports no memory named \"memory\""
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "mem") 1)
  (func (export "Subscription.f") (result i32) (i32.const 0)))
