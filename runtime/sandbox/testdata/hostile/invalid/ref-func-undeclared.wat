;; A reference to a function that nothing declares.
;;
;; upload: refused "undeclared function index 0" in "function 1" at 44
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func)
  (func (drop (ref.func 0))))
