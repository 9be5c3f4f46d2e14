;; A memory of more pages than can be addressed.
;;
;; upload: refused "memory section: min 65537 pages" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 65537))
