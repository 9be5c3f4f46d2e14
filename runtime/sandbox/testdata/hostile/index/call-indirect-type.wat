;; An indirect call of the type behind the last.
;;
;; upload: refused "type 1 does not exist" in "function 0" at 55
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (drop (memory.grow (i32.const 1))) (drop (call_indirect (type 1) (i32.const 1) (i32.const 0)))))
