;; global.get of the counter.
;;
;; upload: refused "global 0 does not exist" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (global.get 0))))
