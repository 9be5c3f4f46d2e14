;; A function of the type behind the last.
;;
;; upload: refused "type 1 does not exist" at 16
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func)
  (func (type 1) (drop (memory.grow (i32.const 1)))))
