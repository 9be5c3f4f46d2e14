;; A call through a reference of a function's type.
;;
;; upload: refused "not supported: typed function references" in "function 0" at 41
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (type $t (func))
  (func (local (ref null $t)) (call_ref $t (local.get 0))))
