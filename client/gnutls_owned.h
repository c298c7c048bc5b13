// Owners of GnuTLS's handles, for pkcs12.cc and token.cc only. The library wipes the keys it frees.
#pragma once

#include <gnutls/gnutls.h>

#include "core/base/bytes.h"

namespace godwit::client {

template <class T, void (*kFree)(T)>
class GnutlsOwned {
 public:
  GnutlsOwned() = default;
  GnutlsOwned(const GnutlsOwned&) = delete;
  GnutlsOwned& operator=(const GnutlsOwned&) = delete;
  ~GnutlsOwned() {
    if (handle_ != nullptr) kFree(handle_);
  }
  T get() const { return handle_; }
  T* out() { return &handle_; }

 private:
  T handle_ = nullptr;
};

// What the library has allocated, wiped before it is given back: it may be a key.
class GnutlsDatum {
 public:
  GnutlsDatum() = default;
  GnutlsDatum(const GnutlsDatum&) = delete;
  GnutlsDatum& operator=(const GnutlsDatum&) = delete;
  ~GnutlsDatum() {
    if (datum_.data == nullptr) return;
    gnutls_memset(datum_.data, 0, datum_.size);
    gnutls_free(datum_.data);
  }
  Bytes octets() const { return {datum_.data, datum_.size}; }
  gnutls_datum_t* out() { return &datum_; }
  const gnutls_datum_t* get() const { return &datum_; }

 private:
  gnutls_datum_t datum_{};
};

// The library does not write to what it only reads.
inline gnutls_datum_t datum_of(Bytes octets) {
  return {const_cast<unsigned char*>(octets.data()), static_cast<unsigned>(octets.size())};
}

}  // namespace godwit::client
