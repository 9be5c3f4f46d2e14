;; A tail call through a table.
;;
;; upload: refused "not supported: tail calls" in "function 0" at 48
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (type $t (func))
  (table 1 funcref)
  (func (return_call_indirect (type $t) (i32.const 0))))
