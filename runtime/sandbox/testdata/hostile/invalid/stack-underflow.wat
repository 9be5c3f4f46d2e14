;; An addition of nothing.
;;
;; upload: refused "cannot pop the 1st operand for i32.add" in "function 0" at 41
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (result i32) (i32.add)))
