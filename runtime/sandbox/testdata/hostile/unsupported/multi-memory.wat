;; Two memories, one of them not exported.
;;
;; upload: refused "not supported: multiple memories" at 15
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (memory 1))
