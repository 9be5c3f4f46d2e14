;; A table that starts with more elements than tables may have.
;;
;; upload: refused "the tables start with 65537 elements, at most 65536 are allowed" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 65537 funcref))
