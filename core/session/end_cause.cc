#include "core/session/end_cause.h"

#include "core/base/check.h"

namespace godwit::session {
namespace {

using ike::v1::Failure;
using ike::v1::FailureKind;

EndCause cause_of(crypto::CertificateFault fault) {
  switch (fault) {
    case crypto::CertificateFault::kAbsent:
      return EndCause::kCertificateAbsent;
    case crypto::CertificateFault::kUntrusted:
      return EndCause::kCertificateUntrusted;
    case crypto::CertificateFault::kExpired:
    case crypto::CertificateFault::kListExpired:
      return EndCause::kCertificateExpired;
    case crypto::CertificateFault::kNotYetValid:
      return EndCause::kCertificateTooYoung;
    case crypto::CertificateFault::kRevoked:
      return EndCause::kCertificateRevoked;
    case crypto::CertificateFault::kListMissing:
      return EndCause::kCertificateNoList;
    case crypto::CertificateFault::kNotPinned:
      return EndCause::kCertificateNotPinned;
    case crypto::CertificateFault::kMalformed:
    case crypto::CertificateFault::kWrongUse:
    case crypto::CertificateFault::kWeak:
      break;
  }
  return EndCause::kCertificateUnusable;
}

}  // namespace

EndCause cause_of(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::kGatewayCertificate:
      CHECK(failure.certificate);
      return cause_of(*failure.certificate);
    case FailureKind::kGatewayCertificateName:
      return EndCause::kCertificateName;
    case FailureKind::kCannotSign:
      return EndCause::kCannotSign;
    case FailureKind::kProposalRefused:
      return EndCause::kProposalRefused;
    case FailureKind::kGatewayAuthFailed:
      return EndCause::kGatewayAuthFailed;
    case FailureKind::kWeAreRefused:
      return EndCause::kWeAreRefused;
    case FailureKind::kGatewayIdentity:
      return EndCause::kGatewayIdentity;
    case FailureKind::kRedirected:
      return EndCause::kRedirected;
    case FailureKind::kNoNatTraversal:
      return EndCause::kNoNatTraversal;
    case FailureKind::kBadKeyExchange:
      return EndCause::kBadKeyExchange;
    case FailureKind::kNoAnswer:
      return EndCause::kNoAnswer;
  }
  return EndCause::kProtocol;
}

}  // namespace godwit::session
