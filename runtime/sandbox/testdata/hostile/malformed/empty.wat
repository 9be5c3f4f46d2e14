;; Nothing at all.
;;
;; upload: refused "not a WebAssembly module" at 0
(module binary
  "")
