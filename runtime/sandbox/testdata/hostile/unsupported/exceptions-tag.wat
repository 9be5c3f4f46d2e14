;; A tag, for exceptions.
;;
;; upload: refused "not supported: exceptions" at 19
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (tag $e))
