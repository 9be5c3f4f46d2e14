;; A value left on the stack.
;;
;; upload: refused "" in "function 0"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (i32.const 0)))
