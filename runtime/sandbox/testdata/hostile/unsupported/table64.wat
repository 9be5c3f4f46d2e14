;; A table of 64-bit indices.
;;
;; upload: refused "not supported: 64-bit tables" at 12
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table i64 1 funcref))
