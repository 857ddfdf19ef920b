# Times base R's exact tests and a plain recursion for a boundary; prints one line a case: name, value, seconds a call.
calls <- as.integer(commandArgs(trailingOnly = TRUE)[1])
recursion <- function(n, p, bound) {
  live <- c(1, rep(0, n)); crossed <- 0
  for (i in 1:n) {
    live <- live * (1 - p) + c(0, live[1:n]) * p
    if (bound[i] <= i) {
      over <- (bound[i] + 1):(n + 1)
      crossed <- crossed + sum(live[over]); live[over] <- 0
    }
  }
  crossed
}
bound <- qbinom(0.99, 1:100, 0.2) + 1
timed <- function(name, call, times = calls) {
  value <- call()
  start <- proc.time()[["elapsed"]]
  for (i in seq_len(times)) call()
  cat(name, sprintf("%.17g", value), sprintf("%.9g", (proc.time()[["elapsed"]] - start) / times), "\n", sep = "\t")
}
timed("tail_p", function() pbinom(2, 15, 0.1, lower.tail = FALSE))
timed("scri_p", function() poisson.test(c(3, 1), c(3, 45), alternative = "greater")$p.value)
timed("scri_low", function() poisson.test(c(3, 1), c(3, 45))$conf.int[1])
timed("scri_high", function() poisson.test(c(3, 1), c(3, 45))$conf.int[2])
timed("limit_low", function() binom.test(3, 15)$conf.int[1])
timed("limit_high", function() binom.test(3, 15)$conf.int[2])
timed("garwood_high", function() poisson.test(5)$conf.int[2])
timed("boundary_100", function() recursion(100, 0.2, bound), max(20, calls %/% 50))
