;; A result of another type.
;;
;; upload: refused "i64" in "function 0"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (result i32) (i64.const 0)))
