;; 4 billion locals, in two groups whose sum wraps around.
;;
;; upload: refused "too many locals" in "function 0" at 23
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"                                   ;; a type () -> ()
  "\03\02\01\00"                                         ;; a function of it
  "\0a\0f\01\0d\02\ff\ff\ff\ff\0f\7e\02\7e\01\01\01\0b") ;; the body
