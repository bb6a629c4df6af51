import Logging

/// The credentials in use, renewed before they expire; asked for once however many wait.
actor AWSCredentialCache {
  /// Renewed that long before they expire, as the SDKs do.
  static let renewalSeconds: Int64 = 300
  /// Credentials from files have no expiry, yet files are rewritten.
  private static let fileSeconds: Int64 = 300

  private let source: AWSCredentialSource
  private let metadata: AWSMetadata
  private let clock: StoreClock
  private let logger: Logger
  private var current: AWSCredentials?
  private var renewAt = WallTime(seconds: .min)
  /// A request signed with them has been let in.
  private var isProven = false
  private var renewal: Task<Result<AWSCredentials, ObjectStoreError>, Never>?

  init(source: AWSCredentialSource, metadata: AWSMetadata, clock: StoreClock, logger: Logger) {
    self.source = source
    self.metadata = metadata
    self.clock = clock
    self.logger = logger
    if case .fixed(let credentials) = source {
      current = credentials
      renewAt = WallTime(seconds: .max)
    }
  }

  func credentials() async throws(ObjectStoreError) -> AWSCredentials {
    if let current, clock.now() < renewAt { return current }
    switch await renewed() {
    case .success(let credentials): return credentials
    case .failure(let error):
      // Those at hand may still do; the store decides.
      guard let current, current.expires.map({ clock.now() < $0 }) ?? true else { throw error }
      logger.warning("AWS credentials could not be renewed; the old ones are used on", metadata: ["error": "\(error)"])
      return current
    }
  }

  func accepted(_ credentials: AWSCredentials) {
    if current == credentials { isProven = true }
  }

  /// The store refuses these: get others.
  /// - Returns: Whether others can help: not when these are fixed, or new and never let in.
  func refused(_ credentials: AWSCredentials) -> Bool {
    if case .fixed = source { return false }
    guard current == credentials else { return true }
    renewAt = WallTime(seconds: .min)
    return isProven
  }

  private func renewed() async -> Result<AWSCredentials, ObjectStoreError> {
    if let renewal { return await renewal.value }
    let (source, metadata) = (source, metadata)
    let task = Task { () -> Result<AWSCredentials, ObjectStoreError> in
      do throws(ObjectStoreError) {
        return .success(try await source.load(metadata))
      } catch {
        return .failure(error)
      }
    }
    renewal = task
    let result = await task.value
    renewal = nil
    if case .success(let credentials) = result {
      if credentials != current { isProven = false }
      current = credentials
      renewAt =
        credentials.expires?.adding(seconds: -Self.renewalSeconds) ?? clock.now().adding(seconds: Self.fileSeconds)
    }
    return result
  }
}

extension AWSCredentialSource {
  fileprivate func load(_ metadata: AWSMetadata) async throws(ObjectStoreError) -> AWSCredentials {
    switch self {
    case .fixed(let credentials): return credentials
    case .remote(let remote): return try await metadata.credentials(from: remote)
    case .none: throw Self.missing
    case .files(let credentials, let configuration, let profile, let isNamed, let next):
      let files = metadata.files
      let found = try await BlockingWork.run { () throws(ObjectStoreError) in
        try AWSProfiles.credentials(
          profile: profile,
          credentials: try files.contents(of: credentials).map { String(decoding: $0, as: UTF8.self) },
          configuration: try files.contents(of: configuration).map { String(decoding: $0, as: UTF8.self) })
      }
      if let found { return found }
      guard !isNamed else {
        throw ObjectStoreError(
          .unauthorized,
          "the AWS profile '\(ObjectKey.shown(profile))' has no keys: add it to \(credentials), or correct "
            + "AWS_PROFILE and AWS_SHARED_CREDENTIALS_FILE")
      }
      guard let next else { throw Self.missing }
      return try await metadata.credentials(from: next)
    }
  }

  private static var missing: ObjectStoreError {
    ObjectStoreError(
      .unauthorized, "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
  }
}
