;; An export of the function behind the last, as a resolver of the wrong type.
;;
;; upload: refused "a resolver must have the type () -> i32" in "Subscription.f" at 35
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (memory.grow (i32.const 1))))
  (export "Subscription.f" (func 1)))
