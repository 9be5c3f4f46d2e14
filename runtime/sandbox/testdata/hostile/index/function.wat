;; A call of the function behind the last, where the host puts the one that charges for
;; memory.grow.
;;
;; upload: refused "function 1 does not exist" in "function 0" at 42
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (memory.grow (call 1 (i32.const 0))))))
