;; Tables that are small enough each, and too large together.
;;
;; upload: refused "the tables start with 100000 elements, at most 65536 are allowed" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 50000 funcref)
  (table 50000 externref))
