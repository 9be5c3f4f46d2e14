;; An immutable global that is set.
;;
;; upload: refused "global.set when not mutable" in "function 0" at 48
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (global i32 (i32.const 0))
  (func (global.set 0 (i32.const 1))))
