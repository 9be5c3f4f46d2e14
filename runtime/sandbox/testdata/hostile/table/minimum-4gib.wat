;; A table of 2^32 - 1 elements: 32 GiB of pointers.
;;
;; upload: refused "the tables start with 4294967295 elements, at most 65536 are allowed" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 4294967295 externref))
