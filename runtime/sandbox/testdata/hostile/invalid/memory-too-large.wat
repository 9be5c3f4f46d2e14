;; A memory of more pages than can be addressed.
;;
;; upload: refused ""
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 65537))
