/// What S3's answers mean
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList).
struct S3Failures: Sendable {
  let address: S3Address

  /// What a request that was refused asks for before another try.
  enum Remedy: Sendable { case none, newCredentials, clockCorrection }

  /// The error code in an answer's body; nil when there is none, or it is not a plain word.
  static func code(of answer: StoreAnswer) -> String? {
    guard let root = XMLElement.document(answer.body) else { return nil }
    return code(of: root)
  }

  static func code(of root: XMLElement) -> String? {
    guard root.name == "Error", let code = root["Code"]?.text, (1...64).contains(code.utf8.count),
      code.utf8.allSatisfy(isWordByte)
    else { return nil }
    return code
  }

  func failure(_ answer: StoreAnswer, now: WallTime) -> (AttemptFailure, Remedy) {
    failure(status: answer.status, code: Self.code(of: answer), answer: answer, now: now)
  }

  func failure(
    status: Int, code: String?, answer: StoreAnswer, now: WallTime
  ) -> (AttemptFailure, Remedy) {
    let id = answer.requestID.map { " (request \($0))" } ?? ""
    let host = address.scheme + address.host
    func end(_ error: ObjectStoreError.Code, _ detail: String) -> AttemptFailure { .final(error, detail + id) }

    switch code {
    case "RequestTimeTooSkewed", "RequestExpired":
      let failure = end(
        .clockSkew,
        "\(host) refuses requests of this machine's time (\(now.extendedText)); its own is "
          + "\(answer.header("date").flatMap { WallTime(httpDate: $0) }?.extendedText ?? "not stated"): set the clock (NTP)"
      )
      return (failure, .clockCorrection)
    case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken":
      return (
        end(.unauthorized, "\(host) says the session token is expired or wrong: renew the credentials"), .newCredentials
      )
    case "InvalidAccessKeyId", "NotSignedUp", "UnrecognizedClientException":
      return (
        end(.unauthorized, "\(host) does not know the access key: check AWS_ACCESS_KEY_ID, or the profile"),
        .newCredentials
      )
    case "SignatureDoesNotMatch":
      return (
        end(
          .unauthorized,
          "\(host) refuses the signature: check the secret key (AWS_SECRET_ACCESS_KEY, or the profile), "
            + "and that no proxy between alters requests"), .newCredentials
      )
    case "AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidPayer":
      return (forbidden(id), .none)
    case "NoSuchBucket", "InvalidBucketName":
      return (
        end(.noSuchContainer, "there is no bucket '\(address.bucket)' at \(host): create it, or correct the URL"), .none
      )
    case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException",
      "InvalidRegion", "Redirect":
      return (wrongRegion(answer, id), .none)
    case "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "ServerBusy",
      "ConditionalRequestConflict", "Throttling", "ThrottlingException", "RequestLimitExceeded",
      "BandwidthLimitExceeded":
      let failure = AttemptFailure(
        ObjectStoreError(
          .unavailable, "\(host) answers \(status) \(code ?? "")\(id): it is overloaded or in trouble",
          isRetriable: true),
        next: answer.retryAfter(now: now).map(AttemptFailure.Next.tryAfter) ?? .tryAgain, reason: code ?? "")
      return (failure, .none)
    case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest", "IncompleteBody":
      return (
        .passing(
          .invalidAnswer,
          "\(host) received other bytes than were sent (\(code ?? ""))\(id): does something on the way "
            + "alter them?", reason: code ?? ""), .none
      )
    case "QuotaExceeded", "ServiceQuotaExceeded", "InsufficientStorage", "XMinioStorageFull":
      return (
        AttemptFailure(
          ObjectStoreError(
            .noSpace, "\(host) has no room left (\(code ?? "")): free some, or raise the quota", isRetriable: true),
          next: .giveUp, reason: code ?? ""), .none
      )
    case "EntityTooLarge":
      return (end(.notSupported, "\(host) does not take objects of this size: cut smaller ones"), .none)
    case "NotImplemented", "MethodNotAllowed":
      return (end(.notSupported, "\(host) cannot do what was asked of it (\(status) \(code ?? ""))"), .none)
    case "InvalidObjectState":
      return (end(.notSupported, "the object is in cold storage: restore it first (RestoreObject)"), .none)
    case "ObjectLockConfigurationNotFoundError", "InvalidBucketState":
      return (end(.notSupported, "the bucket '\(address.bucket)' has no object lock: \(Self.lockAdvice)"), .none)
    default:
      return (failure(status: status, word: code, answer: answer, id: id, now: now), .none)
    }
  }

  static let lockAdvice = "create a bucket with object lock enabled, or leave the option object-lock out"

  /// By the status alone: answers to HEAD have no body, and servers have codes of their own.
  private func failure(
    status: Int, word: String?, answer: StoreAnswer, id: String, now: WallTime
  ) -> AttemptFailure {
    let host = address.scheme + address.host
    if let passing = AttemptFailure(passing: answer, host: host, now: now) { return passing }
    let shown = word.map { "\(status) \($0)" } ?? "\(status)"
    switch status {
    case 300..<400: return wrongRegion(answer, id)
    case 401: return .final(.unauthorized, "\(host) answers \(shown)\(id): check the credentials")
    case 403: return forbidden(id)
    case 404: return .final(.notFound, "\(host) answers \(shown)\(id): there is no such object")
    case 405, 501: return .final(.notSupported, "\(host) cannot do what was asked of it (\(shown))\(id)")
    case 413: return .final(.notSupported, "\(host) does not take objects of this size (\(shown)): cut smaller ones")
    case 507:
      return AttemptFailure(
        ObjectStoreError(
          .noSpace, "\(host) has no room left (\(shown)): free some, or raise the quota", isRetriable: true),
        next: .giveUp, reason: "status_507")
    case 400..<500:
      return .final(.invalidConfiguration, "\(host) refuses the request with \(shown)\(id): is it an S3 server?")
    default: return .final(.invalidAnswer, "\(host) answers \(shown), which S3 does not\(id): is it an S3 server?")
    }
  }

  private func forbidden(_ id: String) -> AttemptFailure {
    .final(
      .forbidden,
      "access to \(address.location) is denied\(id): its credentials need s3:ListBucket on the bucket and "
        + "s3:PutObject, s3:GetObject, s3:AbortMultipartUpload on its objects")
  }

  private func wrongRegion(_ answer: StoreAnswer, _ id: String) -> AttemptFailure {
    let stated = answer.header("x-amz-bucket-region") ?? XMLElement.document(answer.body)?["Region"]?.text
    let region = stated.flatMap { $0.utf8.count <= 32 && $0.utf8.allSatisfy(isWordByte) && !$0.isEmpty ? $0 : nil }
    return .final(
      .invalidConfiguration,
      "the bucket '\(address.bucket)' is not to be reached at \(address.endpointHost) in region "
        + "\(address.region)\(id): "
        + (region.map { "set AWS_REGION=\($0)" } ?? "check endpoint and region; no redirect is followed"))
  }
}
