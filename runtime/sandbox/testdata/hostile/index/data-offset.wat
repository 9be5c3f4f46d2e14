;; A data segment whose place is the value of the counter.
;;
;; upload: refused "global 0 does not exist" at 29
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (data (global.get 0) "x"))
