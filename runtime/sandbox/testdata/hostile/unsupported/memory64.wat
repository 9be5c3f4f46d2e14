;; A memory of 64-bit addresses.
;;
;; upload: refused "not supported: 64-bit memories" at 11
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") i64 1))
