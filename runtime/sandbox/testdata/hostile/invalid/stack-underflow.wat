;; An addition of nothing.
;;
;; upload: refused "" in "function 0"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (result i32) (i32.add)))
