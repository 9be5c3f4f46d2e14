;; Pages of one byte.
;;
;; upload: refused "bad limits 0x08" at 11
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1 (pagesize 1)))
