"""Addresses of evidence."""

from django.urls import path

from cityhall.kernel.evidence import views

urlpatterns = [
    path("", views.listed, name="evidence_list"),
    path("export/", views.export_all, name="evidence_export_all"),
    path("<int:pk>/", views.page, name="evidence"),
    path("<int:pk>/original/", views.original, name="evidence_original"),
    path("<int:pk>/hand-over/", views.hand_over, name="evidence_hand_over"),
    path("<int:pk>/prolong/", views.prolong, name="evidence_prolong"),
    path("<int:pk>/export/", views.export, name="evidence_export"),
]
