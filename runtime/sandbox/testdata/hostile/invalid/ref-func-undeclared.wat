;; A reference to a function that nothing declares.
;;
;; upload: refused "" in "function 1"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func)
  (func (drop (ref.func 0))))
