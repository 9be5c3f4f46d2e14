;; A reference to the function behind the last.
;;
;; upload: refused "function 1 does not exist" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (ref.func 1)) (drop (memory.grow (i32.const 1)))))
