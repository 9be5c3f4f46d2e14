;; A data segment that is not there.
;;
;; upload: refused "data segment 1 does not exist" in "function 0" at 49
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (data "x")
  (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1))))
