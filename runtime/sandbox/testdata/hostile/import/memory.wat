;; A memory that the host should bring, under the name of the host's module.
;;
;; upload: refused "imports a memory" in "runnel_v1.memory" at 11
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (import "runnel_v1" "memory" (memory 1))
  (export "memory" (memory 0)))
