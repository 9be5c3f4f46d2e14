;; An element segment of a form that there is not.
;;
;; upload: refused "bad form of element segment 8" at 11
(module binary
  "\00asm\01\00\00\00"
  "\09\02\01\08") ;; the segment
