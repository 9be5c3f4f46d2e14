;; A block of the type behind the last, where the host puts its own.
;;
;; upload: refused "type 1 does not exist" in "function 0" at 47
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (memory.grow (i32.const 1))) (i32.const 0) (block (type 1)) (drop)))
