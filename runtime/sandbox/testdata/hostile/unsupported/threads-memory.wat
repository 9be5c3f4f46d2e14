;; A shared memory, which needs threads.
;;
;; upload: refused "not supported: threads (shared memories)" at 11
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1 1 shared))
