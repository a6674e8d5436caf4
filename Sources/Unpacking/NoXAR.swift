import CArchive

/// Stands for libarchive's writer of xar archives in the static binary.
///
/// The real one, which nothing here calls, brings libxml2, ICU and the C++ library along with it.
@_cdecl("archive_write_set_format_xar")
func refuseXAR(_ archive: OpaquePointer?) -> CInt { ARCHIVE_FATAL }
