;; An export of the counter.
;;
;; upload: refused "global 0 does not exist" at 25
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (export "counter" (global 0)))
