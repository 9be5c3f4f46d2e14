;; An element expression with the function behind the last.
;;
;; upload: refused "function 1 does not exist" at 49
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 0) funcref (ref.func 1))
  (func (drop (memory.grow (i32.const 1)))))
