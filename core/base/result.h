// Result is what a function returns that can fail; GODWIT_TRY unwraps it or returns its error.
#pragma once

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace godwit {

template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
auto fail(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

namespace detail {

template <class R>
decltype(auto) unwrap(R&& result) {
  // A Result<void> has nothing to give; tl::expected lends it no operator* for rvalues.
  if constexpr (!std::is_void_v<typename std::decay_t<R>::value_type>) {
    return *std::forward<R>(result);
  }
}

}  // namespace detail

}  // namespace godwit

// The value of `expr` (a Result), or an early return of its error from the enclosing function.
#define GODWIT_TRY(expr)                                                                           \
  __extension__({                                                                                  \
    auto&& godwit_try_result = (expr);                                                             \
    if (!godwit_try_result) {                                                                      \
      return ::godwit::fail(std::forward<decltype(godwit_try_result)>(godwit_try_result).error()); \
    }                                                                                              \
    ::godwit::detail::unwrap(std::forward<decltype(godwit_try_result)>(godwit_try_result));        \
  })
