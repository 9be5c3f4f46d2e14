;; A start function that takes a parameter.
;;
;; upload: refused "start"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func $s (param i32))
  (start $s))
