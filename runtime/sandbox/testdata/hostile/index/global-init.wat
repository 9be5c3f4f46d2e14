;; A global that starts with a reference to the function behind the last.
;;
;; upload: refused "function 1 does not exist" at 28
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (global funcref (ref.func 1))
  (func (drop (memory.grow (i32.const 1)))))
