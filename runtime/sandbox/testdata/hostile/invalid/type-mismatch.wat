;; A result of another type.
;;
;; upload: refused "cannot use i64 as result[0] type i32" in "function 0" at 41
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (result i32) (i64.const 0)))
