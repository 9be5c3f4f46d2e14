;; A memory whose maximum is smaller than its minimum.
;;
;; upload: refused "memory section: min 2 pages (128 Ki) > max 1 pages (64 Ki)" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 2 1))
