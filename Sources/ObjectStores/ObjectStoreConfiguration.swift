package import CoreMetrics

/// What it takes to open an object store.
package struct ObjectStoreConfiguration: Sendable, CustomStringConvertible {
  /// `file:///folder`, `s3://bucket/prefix`, `swift://container/prefix`; options follow as a query (see README).
  package var url: String
  /// Where `AWS_*`, `OS_*` and `ST_*` are looked up; usually the process's environment. Holds secrets.
  package var environment: [String: String]
  package var limits: ObjectStoreLimits
  /// Where `strandline_objectstore_…` are counted.
  package var metricsFactory: any MetricsFactory

  package init(
    url: String, environment: [String: String], limits: ObjectStoreLimits = ObjectStoreLimits(),
    metricsFactory: any MetricsFactory = MetricsSystem.factory
  ) {
    self.url = url
    self.environment = environment
    self.limits = limits
    self.metricsFactory = metricsFactory
  }

  /// Without the environment, which holds secrets, and the URL, which should not.
  package var description: String { "ObjectStoreConfiguration" }
}

/// Bounds of a store's requests.
package struct ObjectStoreLimits: Sendable, Equatable {
  /// Tries of one request, the first included.
  package var attemptsMax = 10
  /// The longest wait before a second try; it doubles from try to try, and each wait is drawn between 0 and it.
  package var backoffStartMilliseconds = 200
  package var backoffMaxMilliseconds = 20_000
  /// A longer `Retry-After` is not waited for: the error goes to the caller.
  package var retryAfterMaxSeconds = 60
  /// No connection after that long.
  package var connectTimeoutSeconds = 10
  /// Nothing sent or received for that long.
  package var idleTimeoutSeconds = 60
  /// Objects above are sent in parts.
  package var singlePutBytesMax: Int64 = 32 * 1024 * 1024
  /// Bytes of a part, unless more than 1,000 parts would be needed. S3 wants at least 5 MiB.
  package var partBytes: Int64 = 16 * 1024 * 1024
  /// Objects of one page of a list. S3 gives at most 1,000.
  package var listObjectsMax = 1_000

  package init() {}

  /// - Throws: `invalidConfiguration` for bounds that nothing could keep.
  func checked() throws(ObjectStoreError) -> ObjectStoreLimits {
    let counts = [
      attemptsMax, backoffStartMilliseconds, backoffMaxMilliseconds, connectTimeoutSeconds, idleTimeoutSeconds,
    ]
    guard counts.allSatisfy({ (1...86_400_000).contains($0) }), (0...86_400).contains(retryAfterMaxSeconds),
      partBytes > 0, partBytes <= 1 << 32, singlePutBytesMax > 0, singlePutBytesMax <= 1 << 32,
      (1...1_000).contains(listObjectsMax)
    else {
      throw ObjectStoreError(
        .invalidConfiguration, "the object store's limits must be positive, and parts no larger than 4 GiB")
    }
    return self
  }
}
