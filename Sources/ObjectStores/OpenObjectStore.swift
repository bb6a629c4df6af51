package import Logging

/// Opens the store at the configuration's URL. Makes no request: ``ObjectStore/prepare()`` does.
///
/// - Throws: `invalidConfiguration` when the URL or the environment cannot be right.
package func openObjectStore(
  _ configuration: ObjectStoreConfiguration, logger: Logger
) throws(ObjectStoreError) -> any ObjectStore {
  let url = try StoreURL(configuration.url)
  switch url.scheme {
  case "file":
    return try FileObjectStore(
      url, limits: configuration.limits, metricsFactory: configuration.metricsFactory, logger: logger)
  case "s3": return try S3ObjectStore(configuration, url, clock: StoreClock(), logger: logger)
  case "swift": return try SwiftObjectStore(configuration, url, clock: StoreClock(), logger: logger)
  default:
    throw ObjectStoreError(
      .invalidConfiguration,
      "no object store is called '\(ObjectKey.shown(url.scheme)):'; there are file:, s3: and swift:")
  }
}
