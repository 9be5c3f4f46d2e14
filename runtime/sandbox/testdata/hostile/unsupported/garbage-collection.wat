;; A type of a struct, which the host would have to collect.
;;
;; upload: refused "not supported: garbage collected types" at 11
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (type (struct (field i32))))
