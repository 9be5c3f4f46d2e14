;; A memory whose maximum is smaller than its minimum.
;;
;; upload: refused ""
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 2 1))
