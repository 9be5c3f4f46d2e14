;; The text of a module instead of its binary.
;;
;; upload: refused "not a WebAssembly module" at 0
(module binary
  "(module)")
