;; A start function behind the last.
;;
;; upload: refused "function 1 does not exist" at 37
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (memory.grow (i32.const 1))))
  (start 1))
